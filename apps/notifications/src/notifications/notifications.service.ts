import { randomUUID } from 'node:crypto';
import { HttpException, Injectable } from '@nestjs/common';

/** A notification as the API shows it. */
export interface Notification {
  id: string;
  text: string;
  created_at: string;
}

const MAX_USERS = 10_000;

/** Sample data in memory: the point of the example is that verifying a token needs no database. */
@Injectable()
export class NotificationsService {
  private readonly unreadOf = new Map<string, Notification[]>();

  /** The user's unread notifications. Everybody begins with two, so that there is something to see. */
  unread(userId: string, name: string | null): readonly Notification[] {
    let items = this.unreadOf.get(userId);
    if (!items) {
      items = [sample(`Welcome${name ? `, ${name}` : ''}!`), sample('Your order has been shipped')];
      if (this.unreadOf.size >= MAX_USERS) this.unreadOf.delete(this.unreadOf.keys().next().value!);
      this.unreadOf.set(userId, items);
    }
    return items;
  }

  markAsRead(userId: string, id: string): void {
    const items = this.unreadOf.get(userId) ?? [];
    const index = items.findIndex((item) => item.id === id);
    if (index < 0) {
      throw new HttpException(
        { statusCode: 404, error: 'notification_not_found', message: 'There is no such unread notification' },
        404,
      );
    }
    items.splice(index, 1);
  }
}

function sample(text: string): Notification {
  return { id: randomUUID(), text, created_at: new Date().toISOString() };
}
