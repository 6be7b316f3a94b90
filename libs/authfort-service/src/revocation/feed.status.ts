import { Logger } from '@nestjs/common';
import type { FeedError } from './feed.error.js';

/** How the feed arrives. */
export type FeedWay = 'stream' | 'polling';

/** How the feed arrives, if it does; each change is logged once. */
export class FeedStatus {
  private readonly logger = new Logger('RevocationFeed');
  private readonly told = new Set<string>();
  private wasThere = false;
  private current: FeedWay | undefined;

  /** @param consequence what comes of it when the feed does not arrive */
  constructor(private readonly consequence: string) {}

  /** Undefined: it does not. */
  get way(): FeedWay | undefined {
    return this.current;
  }

  arrives(way: FeedWay): void {
    if (this.current === way) return;
    const again = this.wasThere && this.current === undefined;
    this.logger.log(
      way === 'stream'
        ? `The revocation feed is connected${again ? ' again' : ''}`
        : `The revocation feed is polled${again ? ' again' : ''}: the stream does not get through`,
    );
    this.current = way;
    this.wasThere = true;
    this.told.clear();
  }

  /** Each reason is logged once until the feed is there again. */
  isAway({ kind, message }: FeedError): void {
    this.current = undefined;
    if (this.told.has(kind)) return;
    this.told.add(kind);
    this.logger.warn(`The revocation feed is unavailable (${message}); retrying. ${this.consequence}`);
  }
}
