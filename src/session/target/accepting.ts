import type { Millis } from "../../base/units.ts";
import type { Link } from "../../link/link.ts";
import { MANIFEST_MAX } from "../../wire/constants.ts";
import type { ObjectChunk } from "../../wire/messages.ts";
import { silenceTimeout } from "../answer-timeout.ts";
import { type Acceptance, acceptOf } from "../handshake.ts";
import type { SessionIdentity } from "../identity.ts";
import { Lease } from "../lease.ts";
import type { LinkGuard } from "../link-guard.ts";
import { Repeats, turnTime } from "../repeats.ts";
import { ChunkAssembly } from "./chunk-assembly.ts";

/** The beginning of a target's session: the accept, again until the manifest is complete (PROTOCOL.md 6.1). */
export class Accepting {
  readonly #link: Link;
  readonly #guard: LinkGuard;
  readonly #peer: SessionIdentity;
  readonly #acceptance: Acceptance;
  readonly #isPushed: boolean;
  readonly #lease: Lease;
  #manifest: ChunkAssembly | undefined;
  readonly #repeats: Repeats;
  /** Accepts that were sent, and when the last of them was. */
  #accepts = 0;
  #acceptedAt: Millis;

  /** `isPushed`: the manifest may come without an answer to the accept (PROTOCOL.md 6.10). */
  constructor(
    now: Millis,
    link: Link,
    guard: LinkGuard,
    peer: SessionIdentity,
    acceptance: Acceptance,
    isPushed: boolean,
  ) {
    this.#isPushed = isPushed;
    this.#link = link;
    this.#guard = guard;
    this.#peer = peer;
    this.#acceptance = acceptance;
    this.#lease = new Lease(now, link, MANIFEST_MAX);
    this.#repeats = new Repeats(now, turnTime(link), silenceTimeout(link));
    this.#acceptedAt = now;
  }

  /** When the accept is sent again. */
  get repeatAt(): Millis {
    return this.#repeats.at;
  }

  /** When the session is given up. */
  get endsAt(): Millis {
    return this.#lease.endsAt;
  }

  /** The offer came again: the accept was not heard. */
  handleOfferRepeat(now: Millis): void {
    this.#repeats.bringForward(now, 0);
  }

  /** Takes in a chunk of the manifest; the envelope when that completes it. */
  handleChunk(now: Millis, chunk: ObjectChunk): Uint8Array | undefined {
    if (chunk.total > MANIFEST_MAX) return undefined;
    // An accept that was sent again does not tell which of them was answered (Karn's rule).
    const isSameRate = (this.#link.lineRate?.changedAt ?? Number.NEGATIVE_INFINITY) <= this.#acceptedAt;
    const isTimed = this.#accepts === 1 && isSameRate && !this.#isPushed;
    if (this.#manifest === undefined && isTimed)
      this.#link.rtt.sample(now - this.#acceptedAt - this.#link.lineTime(chunk.payload.length));
    if (this.#manifest?.bytes.length !== chunk.total) this.#manifest = new ChunkAssembly(chunk.total);
    this.#manifest.add(chunk.offset, chunk.payload);
    this.#repeats.holdUntil(now + silenceTimeout(this.#link));
    return this.#manifest.isComplete ? this.#manifest.bytes : undefined;
  }

  /** Sends the accept if that is due. Extra calls are harmless. */
  sendDue(now: Millis): void {
    if (!this.#repeats.take(now)) return;
    this.#acceptedAt = now;
    this.#accepts++;
    this.#link.send(acceptOf(this.#peer, this.#acceptance), this.#guard.proveAccept(this.#peer));
  }
}
