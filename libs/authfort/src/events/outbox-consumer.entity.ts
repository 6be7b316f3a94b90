import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Who wants which event at least once. Kept here, so that commands and other replicas write events for them too. */
@Entity('authfort_outbox_consumers')
export class OutboxConsumerEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'authfort_outbox_consumers_pkey' })
  consumer!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'authfort_outbox_consumers_pkey' })
  event!: string;

  /** When a server last said that it has this consumer. */
  @Column('timestamptz', { name: 'seen_at' })
  seenAt!: Date;
}
