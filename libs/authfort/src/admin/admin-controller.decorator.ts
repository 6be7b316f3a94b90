import { applyDecorators, Controller, UseGuards } from '@nestjs/common';
import { Roles } from 'authfort-service';
import { ADMIN_ROLE } from '../roles/last-admin.policy.js';
import { FreshSignInGuard } from '../sign-in/fresh-sign-in.guard.js';

/**
 * A controller for administrators: every route needs the role, and every route that writes also needs a sign-in of the last ten
 * minutes. All routes below `admin/` are in such controllers; a test calls each of them.
 */
export const AdminController = (path = ''): ClassDecorator =>
  applyDecorators(Controller(path), Roles(ADMIN_ROLE), UseGuards(FreshSignInGuard));
