import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Something that is still to be done after a commit: an event for one listener group or webhook, or a mail. Done rows are deleted. */
@Entity('authfort_outbox')
@Index('authfort_outbox_due_idx', ['consumer', 'dueAt'], { where: 'dead_at IS NULL' })
@Index('authfort_outbox_dead_idx', ['deadAt', 'id'], { where: 'dead_at IS NOT NULL' })
export class OutboxEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'authfort_outbox_pkey' })
  id!: string;

  /** The same for all consumers of one event, and on every repeat. */
  @Column('uuid', { name: 'event_id' })
  eventId!: string;

  @Column('text')
  event!: string;

  @Column('text')
  consumer!: string;

  /** Whose personal data the payload may hold. */
  @Column('uuid', { name: 'user_id', nullable: true })
  @Index('authfort_outbox_user_id_idx')
  userId!: string | null;

  @Column('jsonb')
  payload!: object;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  /** Not before; while somebody is at it: the end of their lease. */
  @Column('timestamptz', { name: 'due_at' })
  dueAt!: Date;

  @Column('integer', { default: 0 })
  attempts!: number;

  /** Given up: it waits in the dead-letter list. */
  @Column('timestamptz', { name: 'dead_at', nullable: true })
  deadAt!: Date | null;

  @Column('text', { nullable: true })
  error!: string | null;
}
