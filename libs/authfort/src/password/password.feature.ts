import type { Feature } from '../feature.js';
import { BreachList } from './breach-list.js';
import { ChangePasswordService } from './change-password.service.js';
import { LoginController } from './login.controller.js';
import { LoginService } from './login.service.js';
import { NewAccountService } from './new-account.service.js';
import { NewPasswordService } from './new-password.service.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordMails } from './password-mails.js';
import { PasswordReplacer } from './password-replacer.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordController } from './password.controller.js';
import { PasswordRepository } from './password.repository.js';
import { ReauthenticationService } from './reauthentication.service.js';
import { SignupController } from './signup.controller.js';
import { SignupService } from './signup.service.js';
import { VerificationLinkService } from './verification-link.service.js';

/** Sign-up and sign-in with a password, and its change and reset. */
export const passwordFeature: Feature = {
  controllers: [SignupController, LoginController, PasswordController],
  providers: [
    PasswordHasher,
    BreachList,
    NewPasswordService,
    PasswordRepository,
    PasswordReplacer,
    PasswordResetService,
    PasswordMails,
    ChangePasswordService,
    ReauthenticationService,
    NewAccountService,
    VerificationLinkService,
    SignupService,
    LoginService,
  ],
};
