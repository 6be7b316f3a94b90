import { Controller, Get, Inject, Redirect } from '@nestjs/common';
import { Public } from 'authfort-service';

/** DI token of the front end's address. */
export const FRONTEND_URL = Symbol('FRONTEND_URL');

/** `GET /`: nobody lives here; people who open the auth server in a browser mean the front end. */
@Controller()
@Public()
export class HomeController {
  constructor(@Inject(FRONTEND_URL) private readonly frontendUrl: string) {}

  @Get()
  @Redirect()
  home(): { url: string; statusCode: number } {
    return { url: this.frontendUrl, statusCode: 302 };
  }
}
