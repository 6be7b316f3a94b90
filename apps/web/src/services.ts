import { type AuthClient, AuthClientError } from 'authfort-client';
import { button, byId, element, onSubmit, tell } from './dom.js';

interface Order {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
  readonly status: string;
}

interface Unread {
  readonly count: number;
  readonly items: readonly { readonly id: string; readonly text: string }[];
}

/** The boxes of the two services. Both know the user from the same cookie, and neither asks the auth server for it. */
export function showServices(auth: AuthClient, ordersUrl: string, notificationsUrl: string): void {
  /** @returns the answer's body, or undefined after an error, which is shown */
  async function ask<T>(url: string, done: string, init?: RequestInit): Promise<T | undefined> {
    const { user } = auth.getSnapshot();
    const response = await auth.fetch(url, init).catch((error: unknown) => {
      const unreachable = `${new URL(url).host} cannot be reached.`;
      tell(error instanceof AuthClientError ? error.message : unreachable, 'bad');
      return undefined;
    });
    // Somebody else may have signed in meanwhile: this is not for them.
    if (!response || auth.getSnapshot().user?.id !== user?.id) return undefined;
    const body = (await response.json().catch(() => ({}))) as { error?: string; message?: string };
    if (!response.ok) {
      tell(`${response.status} ${body.error ?? ''}: ${body.message ?? 'refused'}`, 'bad');
      return undefined;
    }
    if (done) tell(done);
    return body as T;
  }

  async function loadOrders(): Promise<void> {
    const orders = await ask<Order[]>(`${ordersUrl}/api/orders`, '');
    if (orders) byId('order-list').replaceChildren(...orders.map(orderItem));
  }

  function orderItem({ id, item, quantity, status }: Order): HTMLLIElement {
    const act = (verb: string, path: string, method: string, done: string) =>
      button(verb, `${verb} ${item}`, async () => {
        if (await ask(`${ordersUrl}/api/orders/${id}${path}`, done, { method })) await loadOrders();
      });
    const line = element('li');
    line.append(
      element('span', `${quantity} × ${item}${status === 'open' ? '' : ` (${status})`}`),
      act('Refund', '/refund', 'POST', 'Refunded.'),
      act('Delete', '', 'DELETE', 'Deleted.'),
    );
    return line;
  }

  async function loadUnread(): Promise<void> {
    const unread = await ask<Unread>(`${notificationsUrl}/api/unread`, '');
    if (!unread) return;
    byId('unread-count').textContent = String(unread.count);
    const items = unread.items.map(({ id, text }) => {
      const line = element('li');
      const read = button('Read', `Mark as read: ${text}`, async () => {
        const url = `${notificationsUrl}/api/notifications/${id}/read`;
        if (await ask(url, '', { method: 'POST' })) await loadUnread();
      });
      line.append(element('span', text), read);
      return line;
    });
    byId('unread-list').replaceChildren(...items);
  }

  onSubmit(byId<HTMLFormElement>('order-form'), async (fields) => {
    const order = { item: String(fields.get('item')), quantity: Number(fields.get('quantity')) };
    const made = await ask<Order>(`${ordersUrl}/api/orders`, `Ordered ${order.item}.`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(order),
    });
    if (!made) return;
    byId<HTMLFormElement>('order-form').reset();
    await loadOrders();
  });
  auth.onAuthStateChange((state) => {
    byId('order-list').replaceChildren();
    byId('unread-list').replaceChildren();
    byId('unread-count').textContent = '';
    if (state === 'authenticated') void Promise.all([loadOrders(), loadUnread()]);
  });
}
