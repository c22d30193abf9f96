/** What Twilio's API said of this bridge's sink. Pure data, part of reasons.ts. */
import type { Stop } from './stop.ts'

export const twilioReasons = {
  sink_inactive: {
    code: 913978,
    level: 'ERROR',
    title: 'Twilio does not deliver: the sink is not active',
    remedy:
      'Run "npx twilio-segment-bridge sink status"; a sink cannot be switched on again: delete it, then "npx twilio-segment-bridge sink create". Set SINK_SID to the new one.',
  },
} as const satisfies Readonly<Record<string, Stop>>
export type TwilioReason = keyof typeof twilioReasons
