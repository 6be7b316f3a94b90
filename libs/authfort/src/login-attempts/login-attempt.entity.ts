import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * Password attempts at one e-mail address, whether or not it has an account: one row for all networks, and one for each network with a
 * sign-in. Address and network are stored under keyed hashes.
 */
@Entity('authfort_login_attempts')
export class LoginAttemptEntity {
  @PrimaryColumn('bytea', { name: 'address_hash', primaryKeyConstraintName: 'authfort_login_attempts_pkey' })
  addressHash!: Buffer;

  /** Empty: all networks. */
  @PrimaryColumn('bytea', { name: 'network_hash', primaryKeyConstraintName: 'authfort_login_attempts_pkey' })
  networkHash!: Buffer;

  /** Attempts of this window that have not led to a sign-in. In the row of a network: those beyond the limit of the address. */
  @Column('integer')
  failures!: number;

  @Column('timestamptz', { name: 'window_ends' })
  windowEnds!: Date;

  /** Until when the network counts as one of the account's owner. */
  @Column('timestamptz', { name: 'known_until' })
  @Index('authfort_login_attempts_known_until_idx')
  knownUntil!: Date;
}
