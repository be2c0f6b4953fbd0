import type { Clock, Timer } from "../base/clock.ts";
import { TransportError } from "../base/errors.ts";
import { RetryDelay } from "./retry-delay.ts";
import type { Transport, TransportHandlers } from "./transport.ts";
import { TransportWrapper } from "./transport-wrapper.ts";

/**
 * Opens a transport again whenever it ends, for transports that do not reconnect by themselves: an adapter that is
 * unplugged and plugged in again. The first opening may fail, unless it is patient; later ones are repeated until they
 * succeed, with `onWaiting` when the reason changes.
 */
export class ReopeningTransport extends TransportWrapper {
  readonly #clock: Clock;
  readonly #again: () => Promise<Transport>;
  #handlers: TransportHandlers | undefined;
  #timer: Timer | undefined;
  readonly #retryDelay: RetryDelay = new RetryDelay();
  #lastReason = "";
  readonly #isPatient: boolean;
  #isClosed = false;

  /**
   * `again` makes a new transport after one ended: the port may have another name by then. `isPatient`: only what cannot be
   * opened at first is waited for; a transport that was opened reconnects by itself.
   */
  constructor(first: Transport, again: () => Promise<Transport>, clock: Clock, isPatient = false) {
    super(first);
    this.#again = again;
    this.#clock = clock;
    this.#isPatient = isPatient;
  }

  override async open(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    try {
      await this.#openCurrent();
    } catch (error) {
      if (!this.#isPatient || !(error instanceof TransportError)) throw error;
      await this.#wait(error);
    }
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    this.#handlers = undefined;
    this.#timer?.cancel();
    await this.inner.close();
  }

  async #openCurrent(): Promise<void> {
    const transport = this.inner;
    await transport.open({
      onUp: () => {
        this.#retryDelay.reset();
        this.#lastReason = "";
        this.#handlers?.onUp();
      },
      onDown: (error) => {
        this.#handlers?.onDown(error);
        // What is patient has a transport inside that reconnects by itself.
        if (this.#isPatient) return;
        void transport.close();
        this.#later();
      },
      onBytes: (bytes) => this.#handlers?.onBytes(bytes),
      onWritable: () => this.#handlers?.onWritable(),
      onWaiting: (reason) => this.#handlers?.onWaiting?.(reason),
      onShared: (detail) => this.#handlers?.onShared?.(detail),
    });
  }

  #later(): void {
    if (this.#isClosed) return;
    this.#timer = this.#clock.after(this.#retryDelay.take(), () => void this.#reopen());
  }

  async #reopen(): Promise<void> {
    try {
      this.inner = await this.#again();
      await this.#openCurrent();
      // Closed while it was being opened: nobody else closes it.
      if (this.#isClosed) await this.inner.close();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      await this.#wait(error);
    }
  }

  async #wait(error: TransportError): Promise<void> {
    await this.inner.close();
    if (error.code !== this.#lastReason) this.#handlers?.onWaiting?.(error);
    this.#lastReason = error.code;
    this.#later();
  }
}
