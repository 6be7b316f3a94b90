import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { type AuthUser, CurrentUser } from 'authfort-service';
import { type Notification, NotificationsService } from './notifications.service.js';

@Controller('api')
export class NotificationsController {
  constructor(private readonly notifications: NotificationsService) {}

  @Get('unread')
  unread(@CurrentUser() user: AuthUser): { count: number; items: readonly Notification[] } {
    const items = this.notifications.unread(user.sub, user.name);
    return { count: items.length, items };
  }

  @Post('notifications/:id/read')
  @HttpCode(204)
  markAsRead(@CurrentUser() user: AuthUser, @Param('id') id: string): void {
    this.notifications.markAsRead(user.sub, id);
  }
}
