/**
 * mayday: boards that heal one another over a UART. The public interface; everything else may change at any time.
 *
 * Most users need {@link runNode}, or {@link runRescue} and {@link runDistress} alone. A {@link LinkEnd} and its roles are sans-IO: they run over
 * any wire, also in virtual time (docs/DESIGN.md).
 */
import "./crypto/use-node-crypto.ts";

export { type Clock, systemClock, type Timer } from "./base/clock.ts";
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
export { type Random, SeededRandom } from "./base/prng.ts";
export type { BootFailure, RefusalReason } from "./base/refusal.ts";
export { VirtualClock } from "./base/virtual-clock.ts";
export { type Board, openBoard } from "./board/board.ts";
export type { BoardIdentity } from "./board/board-parts.ts";
export type { BootOutcome } from "./board/boot.ts";
export { type MemoryBoard, type MemoryBoardOptions, memoryBoard } from "./board/memory-board.ts";
export { initBoard } from "./board/new-board.ts";
export type { RunningBoard } from "./board/running-board.ts";
export type { TargetStatus, TargetStore } from "./board/target-store.ts";
export { decodeTrustStore, encodeTrustStore, type TrustStore } from "./board/trust-store.ts";
export { readLinkKey } from "./files/link-key-file.ts";
export type { FlashGeometry } from "./flash/geometry.ts";
export { chainRepository } from "./image/chain-repository.ts";
export { type TrustPolicy, verifyEnvelope } from "./image/envelope.ts";
export { type Hardware, parseHardware } from "./image/hardware.ts";
export { type ImageSource, memoryImage } from "./image/image-source.ts";
export { type KeyLimits, type SigningKey, type TrustedKey, trustedKeyOf } from "./image/keys.ts";
export type { ImageFields, Manifest } from "./image/manifest.ts";
export { fixedRepository, type Repository } from "./image/repository.ts";
export { formatVersion, parseVersion, type Version } from "./image/version.ts";
export { openDirectoryRepository } from "./image-files/directory-repository.ts";
export { buildImageFile } from "./image-files/image-build.ts";
export { type ImageFile, openImageFile } from "./image-files/image-file.ts";
export {
  generateKeyPair,
  loadSigningKey,
  loadTrustedKey,
  loadTrustedKeys,
  signingKeyFromPem,
} from "./image-files/pem-keys.ts";
export type { LinkCounters } from "./link/counters.ts";
export type { LinkKey } from "./link/link-key.ts";
export type { Advice, AdviceTopic } from "./node/advice.ts";
export type { BootReport } from "./node/board-life.ts";
export { linkKeyOf } from "./node/derived-link-key.ts";
export { type DispatchOptions, runDispatch } from "./node/dispatch-node.ts";
export { type DistressOptions, runDistress } from "./node/distress-node.ts";
export { type NodeOptions, type RunningNode, runNode } from "./node/full-node.ts";
export type { HealthSeen } from "./node/health-watch.ts";
export { LinkDriver, type Machine, type SplitterFactory } from "./node/link-driver.ts";
export type { NodeDuties, NodeLinkOptions } from "./node/node-duties.ts";
export type { HealedEvent, NodeEvent, ProgressEvent } from "./node/node-event.ts";
export { PureRunSplitter } from "./node/pure-run-splitter.ts";
export { type RescueOptions, runRescue } from "./node/rescue-node.ts";
export type { RunOptions } from "./node/run-options.ts";
export { type PeerStatus, queryStatus, type StatusOptions, type StatusReport } from "./node/status-query.ts";
export type { TransportSource } from "./node/transport-source.ts";
export type { Verdict } from "./node/verdict.ts";
export { LinkEnd } from "./session/link-end.ts";
export { countedNonces, type Nonces, randomNonces } from "./session/nonces.ts";
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
export { type FaultOptions, withFaults } from "./sim/wires/transport-faults.ts";
export {
  startVirtualCable,
  type VirtualCable,
  type VirtualCableOptions,
} from "./transport/cable/virtual-cable.ts";
export { type Endpoint, parseEndpoint } from "./transport/endpoint.ts";
export { openTransport } from "./transport/open-transport.ts";
export { listPorts } from "./transport/serial/port-list.ts";
export type { Heard, Transport, TransportFacts, TransportHandlers } from "./transport/transport.ts";
export type { Beacon } from "./wire/messages.ts";
