import { Injectable } from '@nestjs/common';
import { Clock } from 'authfort-service';
import type { User } from '../users/user.js';
import { toUserResponse, type UserResponse } from '../users/user.response.js';
import { AccountExportRepository, type StoredAboutUser } from './account-export.repository.js';

/** Everything that is held on a user (GDPR art. 15 and 20). */
export interface AccountExport extends StoredAboutUser {
  readonly user: UserResponse;
  readonly permissions: readonly string[];
}

/** Hands users what is held on them. */
@Injectable()
export class AccountExportService {
  constructor(
    private readonly repository: AccountExportRepository,
    private readonly clock: Clock,
  ) {}

  async export(user: User): Promise<AccountExport> {
    return {
      user: toUserResponse(user, null),
      permissions: user.permissions,
      ...(await this.repository.read(user.id, user.email, this.clock.now())),
    };
  }
}
