import { Body, Controller, Delete, Get, HttpCode, HttpException, Param, Post } from '@nestjs/common';
import { type AuthUser, CurrentUser, Introspect, Roles } from 'authfort-service';
import { z } from 'zod';
import { type Order, OrdersService } from './orders.service.js';

const orderSchema = z.object({
  item: z.string().trim().min(1).max(200),
  quantity: z.number().int().min(1).max(1000).default(1),
});

@Controller('api/orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  /** Any signed-in user, by bearer token or by cookie. */
  @Get()
  list(@CurrentUser() user: AuthUser): readonly Order[] {
    return this.orders.list(user.sub);
  }

  @Post()
  create(@CurrentUser() user: AuthUser, @Body() body: unknown): Order {
    const { item, quantity } = parse(body);
    return this.orders.create(user.sub, item, quantity);
  }

  /** Administrators only: the `roles` claim of the token decides. */
  @Delete(':id')
  @HttpCode(204)
  @Roles('admin')
  remove(@Param('id') id: string): void {
    this.orders.remove(id);
  }

  /** Money moves: the auth server is asked whether the token still holds. */
  @Post(':id/refund')
  @HttpCode(200)
  @Introspect()
  refund(@CurrentUser() user: AuthUser, @Param('id') id: string): Order {
    return this.orders.refund(user.sub, id);
  }
}

function parse(body: unknown): z.output<typeof orderSchema> {
  const result = orderSchema.safeParse(body);
  if (result.success) return result.data;
  const details = result.error.issues.map(({ path }) => ({
    field: path.join('.') || 'body',
    message: 'is not valid',
  }));
  throw new HttpException(
    { statusCode: 422, error: 'validation_error', message: 'Some fields are not valid', details },
    422,
  );
}
