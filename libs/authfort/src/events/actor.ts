import { AsyncLocalStorage } from 'node:async_hooks';
import type { ClientInfo } from '../http/client-info.js';

/** Who is doing something, and from where. */
export interface Actor {
  /** The signed-in user, if there is one. */
  readonly userId: string | null;
  readonly client: ClientInfo;
  /** `Accept-Language`, for mails. */
  readonly languages: string | null;
  /** Set for the command line, whose user is not known. */
  readonly via?: 'cli';
}

const scope = new AsyncLocalStorage<Actor>();

/** Runs `work`, a request or a job, in the name of `actor`: the audit log notes who it was. */
export function actAs<T>(actor: Actor, work: () => T): T {
  return scope.run(actor, work);
}

/** Undefined for what the server or a command does by itself. */
export function currentActor(): Actor | undefined {
  return scope.getStore();
}
