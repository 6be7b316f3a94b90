import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * The e-mail code of one address, and how often it was guessed wrong. Addresses and codes are stored under keyed hashes: six digits
 * could be found from a plain one at once. An address without an account has a row too, so that nothing tells the two apart.
 */
@Entity('authfort_email_otps')
export class EmailOtpEntity {
  @PrimaryColumn('bytea', { name: 'address_hash', primaryKeyConstraintName: 'authfort_email_otps_pkey' })
  addressHash!: Buffer;

  /** Null once the code was used or guessed wrong too often. For an address without an account: random, so that no code has it. */
  @Column('bytea', { name: 'code_hash', nullable: true })
  codeHash!: Buffer | null;

  /** Wrong guesses at this code. */
  @Column('integer')
  attempts!: number;

  @Column('timestamptz', { name: 'expires_at' })
  @Index('authfort_email_otps_expires_at_idx')
  expiresAt!: Date;

  /** Wrong guesses at all codes of the address since `failures_since`. */
  @Column('integer')
  failures!: number;

  @Column('timestamptz', { name: 'failures_since' })
  failuresSince!: Date;
}
