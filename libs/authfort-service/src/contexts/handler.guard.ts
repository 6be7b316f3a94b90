import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { isObservable, lastValueFrom } from 'rxjs';

/**
 * Runs the guards of an app on its handlers. The metadata of a class names this class only, since several apps of one process may
 * share the handlers; each app resolves it to its own instance. An app without our modules resolves it to nothing, or to an
 * instance without guards.
 */
export class HandlerGuard implements CanActivate {
  private readonly guards = new Set<CanActivate>();

  add(guard: CanActivate): void {
    this.guards.add(guard);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    // Routes of the same class: the guard of the whole app has run.
    return context.getType() === 'http' || this.allows(context);
  }

  private async allows(context: ExecutionContext): Promise<boolean> {
    for (const guard of this.guards) {
      const result = await guard.canActivate(context);
      if (!(isObservable(result) ? await lastValueFrom(result) : result)) return false;
    }
    return true;
  }
}
