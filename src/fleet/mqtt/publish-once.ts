import { systemClock } from "../../base/clock.ts";
import { TransportError } from "../../base/errors.ts";
import type { Millis } from "../../base/units.ts";
import { type BrokerAccess, loadMqtt, MqttLink, type Publication } from "./mqtt-link.ts";

/**
 * Connects, publishes one message, and leaves. What the broker answers, as `MqttLink.publish`. UsageError `mqtt-missing`;
 * TransportError `broker-unreachable` when it does not answer within `limitMs`, or refuses us.
 */
export async function publishOnce(
  access: Omit<BrokerAccess, "clientId">,
  publication: Publication,
  limitMs: Millis,
): Promise<string> {
  const mqtt = await loadMqtt();
  const { url } = access;
  return await new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      link.drop();
      reject(new TransportError("broker-unreachable", `${url}: ${why}`, "transient", { url }));
    };
    const limit = systemClock.after(limitMs, () => fail("no answer"));
    // The broker gives us a name, as a session that nobody comes back to need not have one of ours.
    const link = new MqttLink(mqtt, { ...access, clientId: "" }, undefined, {
      onUp: () => {
        void link.publish(publication).then(async (answer) => {
          limit.cancel();
          await link.close();
          resolve(answer);
        });
      },
      onDown: (why) => {
        limit.cancel();
        fail(why);
      },
      onMessage: () => {},
    });
  });
}
