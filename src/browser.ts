/**
 * mayday for browsers and other runtimes without Node's modules: what a rescuer or a target needs, over a transport
 * of the caller's own (docs/DESIGN.md, "Without Node"). Everything else may change at any time.
 */
import { hasCryptoPort, setCryptoPort } from "./base/crypto-port.ts";
import { portableCrypto } from "./crypto/portable-crypto.ts";

// Where both entries are loaded, in either order, Node's faster implementation stays.
if (!hasCryptoPort()) setCryptoPort(portableCrypto);

export { type Clock, systemClock, type Timer } from "./base/clock.ts";
export { type CryptoPort, type RunningHash, setCryptoPort } from "./base/crypto-port.ts";
export {
  type ErrorDetails,
  ExitCode,
  FailedError,
  MaydayError,
  NotBootableError,
  RefusedError,
  TransportError,
  UsageError,
} from "./base/errors.ts";
export type { Random } from "./base/prng.ts";
export type { BootFailure, RefusalReason } from "./base/refusal.ts";
export { VirtualClock } from "./base/virtual-clock.ts";
export { type MemoryBoard, type MemoryBoardOptions, memoryBoard } from "./board/memory-board.ts";
export type { TargetStatus, TargetStore } from "./board/target-store.ts";
export { webRandom } from "./crypto/web-random.ts";
export {
  type AcceptedManifest,
  type RefusedManifest,
  type TrustPolicy,
  verifyEnvelope,
} from "./image/envelope.ts";
export { type ImageSource, imageFromBytes, memoryImage } from "./image/image-source.ts";
export { type TrustedKey, trustedKeyFromBytes } from "./image/keys.ts";
export type { ImageFields, Manifest } from "./image/manifest.ts";
export { fixedRepository, type Repository } from "./image/repository.ts";
export type { LinkCounters } from "./link/counters.ts";
export type { LinkOptions } from "./link/link.ts";
export type { LinkKey } from "./link/link-key.ts";
export { linkKeyOf } from "./node/derived-link-key.ts";
export { type Deflate, ImageCoders } from "./node/image-coder.ts";
export { type DriverHandlers, LinkDriver, type Machine, type SplitterFactory } from "./node/link-driver.ts";
export { PureRunSplitter } from "./node/pure-run-splitter.ts";
export { PickedImages } from "./node/rescuer-effects.ts";
export { applyTargetEffect, nodeStatusOf } from "./node/target-effects.ts";
export { LinkEnd } from "./session/link-end.ts";
export { countedNonces, type Nonces, randomNonces } from "./session/nonces.ts";
export { type QueryEvent, type QueryOptions, QueryRole } from "./session/query-role.ts";
export type { RescuerOptions } from "./session/rescuer/rescuer-announcer.ts";
export type { RescuerEvent } from "./session/rescuer/rescuer-events.ts";
export { RescuerRole } from "./session/rescuer/rescuer-role.ts";
export type { LineEvent, Role, RoleHost } from "./session/role.ts";
export type { TargetOptions } from "./session/target/target-announcer.ts";
export type { TargetEvent } from "./session/target/target-events.ts";
export type { TargetLimits } from "./session/target/target-limits.ts";
export { TargetRole } from "./session/target/target-role.ts";
export { TargetStart } from "./session/target/target-start.ts";
export { createMemoryPair, type MemoryPairOptions } from "./sim/wires/memory-pair.ts";
export type { Transport, TransportFacts, TransportHandlers } from "./transport/transport.ts";
