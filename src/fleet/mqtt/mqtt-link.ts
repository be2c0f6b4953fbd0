import type { IClientOptions, IPublishPacket, MqttClient } from "mqtt";
import { UsageError } from "../../base/errors.ts";
import { tlsWords, unreachableWords } from "../../base/network-error.ts";
import { errorWords } from "../../base/system-error.ts";
import type { Millis } from "../../base/units.ts";
import type { TlsIdentity } from "../../files/tls-files.ts";
import { MESSAGE_MAX } from "../fleet-messages.ts";

/** A broker answers within this, or the connection failed. */
const CONNECT_MS: Millis = 30_000;
/** Seconds without a packet before the connection is tested: below what most routers keep a connection for. */
const KEEPALIVE_S = 240;
/** Seconds for which the broker keeps a session. */
const SESSION_S = 7 * 86_400;
/** PUBACK of a message that nobody has subscribed to: the broker has dropped it. */
const NO_SUBSCRIBERS = 16;
/** Longest packet that is taken, in bytes. */
const PACKET_MAX: number = 2 * MESSAGE_MAX;

/** Where a broker is, and who we are to it. */
export interface BrokerAccess extends TlsIdentity {
  /** "mqtt://HOST:PORT" or "mqtts://HOST:PORT". */
  readonly url: string;
  /** "": any, and no session that stays. */
  readonly clientId: string;
}

export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array | string;
  readonly retain?: boolean;
  /** Seconds after which the broker drops it. */
  readonly expiry?: number;
}

export interface MqttHost {
  /** The connection is up; subscribe now. */
  onUp(): void;
  /** It was lost, or could not be made. Once; nothing comes after it. */
  onDown(why: string): void;
  onMessage(topic: string, payload: Uint8Array): void;
}

/** What the broker publishes when we are gone for longer than `delayS`. */
export interface Will extends Publication {
  readonly delayS: number;
}

type Mqtt = typeof import("mqtt");

/** The package `mqtt`. UsageError `mqtt-missing` with what to do. */
export async function loadMqtt(): Promise<Mqtt> {
  try {
    return await import("mqtt");
  } catch (error) {
    const message =
      "a broker needs the package mqtt, which is optional and is not installed here; fix: npm install mqtt beside mayday";
    throw new UsageError("mqtt-missing", message, {}, error);
  }
}

/**
 * One connection to a broker, from its attempt to its loss: there is no reconnect and no store in it. The session at the broker
 * outlives it.
 */
export class MqttLink {
  readonly #client: MqttClient;
  #isDown = false;

  constructor({ connect }: Mqtt, access: BrokerAccess, will: Will | undefined, host: MqttHost) {
    this.#client = connect(access.url, optionsOf(access, will));
    const down = (why: string): void => {
      if (this.#isDown) return;
      this.#isDown = true;
      this.#client.end(true);
      host.onDown(why);
    };
    let why = "the broker closed the connection";
    this.#client.on("connect", () => host.onUp());
    this.#client.on("error", (error) => {
      why = unreachableWords(error) ?? tlsWords(error) ?? errorWords(error);
      down(why);
    });
    this.#client.on("disconnect", ({ reasonCode }) => {
      why = `the broker ended the connection, reason ${reasonCode ?? 0}`;
    });
    this.#client.on("close", () => down(why));
    this.#client.on("message", (topic: string, payload: Uint8Array, _packet: IPublishPacket) => {
      if (!this.#isDown && payload.length <= MESSAGE_MAX) host.onMessage(topic, payload);
    });
  }

  /** Whether all topics were granted. */
  async subscribe(topics: readonly string[]): Promise<boolean> {
    return await new Promise((resolve) => {
      this.#client.subscribe([...topics], { qos: 1 }, (error, granted) => {
        resolve(error === null && granted !== undefined && granted.every(({ qos }) => qos < 128));
      });
    });
  }

  /**
   * Publishes with QoS 1. `taken`: the broker has it. `nobody`: nobody has subscribed, and it is gone. Any other text says why it
   * was refused.
   */
  async publish({
    topic,
    payload,
    retain = false,
    expiry,
  }: Publication): Promise<"taken" | "nobody" | string> {
    const bytes = typeof payload === "string" ? payload : Buffer.from(payload);
    const properties = expiry === undefined ? {} : { properties: { messageExpiryInterval: expiry } };
    return await new Promise((resolve) => {
      this.#client.publish(topic, bytes, { qos: 1, retain, ...properties }, (error, packet) => {
        const code = packet !== undefined && "reasonCode" in packet ? packet.reasonCode : 0;
        if (error !== undefined && error !== null) resolve(errorWords(error));
        else resolve(code === NO_SUBSCRIBERS ? "nobody" : "taken");
      });
    });
  }

  /** Ends the connection in order: the broker publishes no will. */
  async close(): Promise<void> {
    if (this.#isDown) return;
    this.#isDown = true;
    await new Promise<void>((resolve) => {
      this.#client.end(false, {}, () => resolve());
    });
  }

  /** Drops the connection, as a cut does. */
  drop(): void {
    this.#client.end(true);
  }
}

function optionsOf({ ca, cert, key, clientId }: BrokerAccess, will: Will | undefined): IClientOptions {
  return {
    protocolVersion: 5,
    ...(clientId !== "" && { clientId }),
    clean: clientId === "",
    // When to connect again is decided elsewhere.
    reconnectPeriod: 0,
    connectTimeout: CONNECT_MS,
    keepalive: KEEPALIVE_S,
    queueQoSZero: false,
    resubscribe: false,
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    properties: {
      sessionExpiryInterval: clientId === "" ? 0 : SESSION_S,
      maximumPacketSize: PACKET_MAX,
      receiveMaximum: 100,
    },
    ...(will !== undefined && {
      will: {
        topic: will.topic,
        payload: Buffer.from(will.payload),
        qos: 1,
        retain: will.retain ?? false,
        properties: { willDelayInterval: will.delayS },
      },
    }),
  };
}
