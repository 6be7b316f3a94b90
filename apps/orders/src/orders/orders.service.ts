import { randomUUID } from 'node:crypto';
import { HttpException, Injectable } from '@nestjs/common';

/** An order as the API shows it. */
export interface Order {
  id: string;
  item: string;
  quantity: number;
  status: 'open' | 'refunded';
  created_at: string;
}

const MAX_ORDERS = 10_000;

/** Sample data in memory: the point of the example is that verifying a token needs no database. */
@Injectable()
export class OrdersService {
  private readonly ordersOf = new Map<string, Order[]>();
  private count = 0;

  /** The user's orders, newest first. Everybody begins with two, so that there is something to see. */
  list(userId: string): readonly Order[] {
    let orders = this.ordersOf.get(userId);
    if (!orders) {
      orders = [sample('Espresso beans, 1 kg', 2), sample('Paper filters', 100)];
      if (this.ordersOf.size >= MAX_ORDERS) this.ordersOf.delete(this.ordersOf.keys().next().value!);
      this.ordersOf.set(userId, orders);
    }
    return orders;
  }

  create(userId: string, item: string, quantity: number): Order {
    if (this.count >= MAX_ORDERS)
      throw failure(429, 'too_many_orders', 'The example keeps no more orders; restart it');
    this.count += 1;
    const order = sample(item, quantity);
    this.list(userId);
    this.ordersOf.get(userId)!.unshift(order);
    return order;
  }

  /** Deletes an order of any user. */
  remove(id: string): void {
    for (const orders of this.ordersOf.values()) {
      const index = orders.findIndex((order) => order.id === id);
      if (index < 0) continue;
      orders.splice(index, 1);
      return;
    }
    throw failure(404, 'order_not_found', 'There is no such order');
  }

  refund(userId: string, id: string): Order {
    const order = this.ordersOf.get(userId)?.find((candidate) => candidate.id === id);
    if (!order) throw failure(404, 'order_not_found', 'There is no such order');
    order.status = 'refunded';
    return order;
  }
}

function sample(item: string, quantity: number): Order {
  return { id: randomUUID(), item, quantity, status: 'open', created_at: new Date().toISOString() };
}

function failure(statusCode: number, error: string, message: string): HttpException {
  return new HttpException({ statusCode, error, message }, statusCode);
}
