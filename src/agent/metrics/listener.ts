/** `GET /metrics` by HTTP, where the config says so. That nobody can listen there costs the metrics, never the farm. */
import { createServer, type Server, type ServerResponse } from 'node:http';

const RETRY_MS = 5000;
/** Nobody scrapes with more, and each costs memory. */
const MOST_CONNECTIONS = 32;
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface ListenerParts {
  readonly metrics: () => Promise<string>;
  readonly log: (level: 'info' | 'warn', fields: object, message: string) => void;
}

export class MetricsListener {
  readonly #parts: ListenerParts;
  #listen: string | null = null;
  #server: Server | null = null;
  #retry: NodeJS.Timeout | null = null;
  /** Why nobody can ask there; empty: all is well. */
  trouble = '';

  constructor(parts: ListenerParts) {
    this.#parts = parts;
  }

  /** Null: nowhere. What is there already stays. */
  configure(listen: string | null): void {
    if (listen === this.#listen) return;
    this.close();
    this.#listen = listen;
    if (listen !== null) this.#open(listen);
  }

  /** Where it listens; null: nowhere yet. */
  get port(): number | null {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : null;
  }

  close(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = this.#retry = this.#listen = null;
    this.trouble = '';
  }

  #open(listen: string): void {
    const at = listen.lastIndexOf(':');
    const host = listen.slice(0, at).replace(/^\[|\]$/g, '');
    const server = createServer((request, response) => void this.#answer(request.method, request.url, response));
    server.requestTimeout = 10_000;
    server.maxConnections = MOST_CONNECTIONS;
    server.on('error', (error) => this.#failed(listen, error));
    server.listen(Number(listen.slice(at + 1)), host, () => {
      if (this.trouble !== '') this.#parts.log('info', { listen }, 'metrics can be asked for again');
      this.trouble = '';
    });
    this.#server = server;
  }

  #failed(listen: string, error: Error): void {
    if (this.#listen !== listen) return;
    const isNews = this.trouble === '';
    this.trouble = `metrics cannot be had at ${listen}: ${error.message}`;
    if (isNews) this.#parts.log('warn', { listen, error: error.message }, 'metrics cannot be had; trying again');
    this.#server?.close();
    this.#retry = setTimeout(() => this.#open(listen), RETRY_MS);
    this.#retry.unref();
  }

  async #answer(method: string | undefined, url: string | undefined, response: ServerResponse): Promise<void> {
    const path = (url ?? '').split('?')[0];
    if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'only GET is understood here\n');
    if (path !== '/metrics') return send(response, 404, 'metrics are at /metrics\n');
    try {
      send(response, 200, await this.#parts.metrics(), CONTENT_TYPE);
    } catch (error) {
      send(response, 503, `${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  // Of a HEAD, node sends the head alone.
  response.end(body);
}
