import type { ServerResponse } from 'node:http';
import { Controller, Get, Headers, Logger, Req, Res, UseGuards } from '@nestjs/common';
import { Public } from 'authfort-service';
import { z } from 'zod';
import { QueryParams } from '../http/query-params.decorator.js';
import { TokenDelivery } from '../http/token-delivery.js';
import { IntrospectionGuard } from '../introspection/introspection.guard.js';
import { presentedCredential, type RequestWithCredentials } from '../introspection/presented-credential.js';
import { FeedFrame } from '../revocation/feed-frame.js';
import { RevocationHub } from '../revocation/revocation-hub.js';
import { type RevocationPage, RevocationReader } from '../revocation/revocation-reader.repository.js';
import { OpenStreams } from './open-streams.js';
import { RevocationStream } from './revocation-stream.js';

const PAGE = 5000;
/** Smaller: a page of each stream that catches up is in memory while its reader takes it. */
const STREAM_PAGE = 500;
const querySchema = z.object({ since: z.string().max(100).optional() });
type FeedQuery = z.output<typeof querySchema>;

/** Fastify has to be told that somebody else answers; Express gives Node's response itself. */
type Response = ServerResponse | { hijack(): unknown; readonly raw: ServerResponse };

/** What has been revoked, for services that hold the introspection secret. */
@Controller('revocations')
@Public()
@UseGuards(IntrospectionGuard)
export class RevocationFeedController {
  private readonly logger = new Logger('AuthFort');

  constructor(
    private readonly reader: RevocationReader,
    private readonly hub: RevocationHub,
    private readonly delivery: TokenDelivery,
    private readonly streams: OpenStreams,
  ) {}

  /** `GET /revocations?since=`: what came after a cursor, or everything that matters; page by page. */
  @Get()
  async list(
    @QueryParams(querySchema) { since }: FeedQuery,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<RevocationPage> {
    this.delivery.noStore(response);
    return this.reader.page(since, PAGE);
  }

  /** `GET /revocations/stream`: the same as server-sent events, and then each revocation as it happens. */
  @Get('stream')
  async stream(
    @QueryParams(querySchema) { since }: FeedQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: RequestWithCredentials,
    @Res() response: Response,
  ): Promise<void> {
    const reader = new RevocationStream();
    const exit = this.streams.enter(presentedCredential(request)!);
    // Nothing has been sent yet: a database that is away is answered with 503.
    const leave = await this.hub.subscribe(reader).catch((error: unknown) => {
      exit();
      throw error;
    });
    reader.begin(rawOf(response), () => {
      leave();
      exit();
    });
    await this.catchUp(reader, this.reader.beginningOf(lastEventId ?? since));
  }

  private async catchUp(reader: RevocationStream, since: string | undefined): Promise<void> {
    try {
      let page: RevocationPage;
      let cursor = since;
      do {
        page = await this.reader.page(cursor, STREAM_PAGE);
        if (page.revocations.length > 0) await reader.past(new FeedFrame(page.revocations));
        cursor = page.cursor;
      } while (page.more && reader.open);
      reader.complete(page.cursor);
    } catch (error) {
      this.logger.warn(`A reader of the revocations has to come again: ${String(error)}`);
      reader.abort();
    }
  }
}

function rawOf(response: Response): ServerResponse {
  if (!('hijack' in response)) return response;
  response.hijack();
  return response.raw;
}
