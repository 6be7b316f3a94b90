import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AuthFort, AuthFortError } from 'authfort';

/** Gives a newcomer an administrator to sign in with. `npm start` asks for it; production refuses it. */
@Injectable()
export class DemoAdminService implements OnApplicationBootstrap {
  private readonly logger = new Logger('Demo');

  constructor(
    private readonly authfort: AuthFort,
    @Inject('DEMO_ADMIN') private readonly admin: { email: string; password: string },
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    try {
      // Nobody reads mail at the demo address, so REQUIRE_VERIFIED_EMAIL would keep this account out.
      const user = await this.authfort.createUser({ ...this.admin, name: 'Demo Admin', emailVerified: true });
      await this.authfort.addRole(user.id, 'admin');
      this.logger.log(`Made the demo admin ${this.admin.email}`);
    } catch (error) {
      if (!(error instanceof AuthFortError) || error.code !== 'user_exists') throw error;
    }
  }
}
