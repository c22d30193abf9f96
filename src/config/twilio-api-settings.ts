/** The settings for what is asked of Twilio's API, and for Twilio Proxy. Part of config.ts. Pure. */
import * as z from 'zod'

const WEEK_MINUTES = 10_080
const minutes = `a whole number from 0 to ${WEEK_MINUTES}`

export const twilioApiSettings = {
  TWILIO_API_KEY: z.string().optional().meta({
    description: 'SID of an API key, instead of the auth token, for `sink`, `check` and Twilio Proxy',
  }),
  TWILIO_API_SECRET: z.string().optional().meta({ description: 'Secret of that API key', secret: true }),
  PROXY_OUT_OF_SESSION: z.enum(['empty', 'reject'], 'empty or reject').default('empty').meta({
    description:
      'Answer to a Twilio Proxy call or message without an open session: `empty` TwiML, or `reject` the call',
  }),
  PROXY_SYNC_MINUTES: z.coerce
    .number(minutes)
    .int(minutes)
    .min(0, minutes)
    .max(WEEK_MINUTES, minutes)
    .default(0)
    .meta({
      description: 'Minutes between two looks at all sessions of Twilio Proxy; 0 = never',
      host: 'node',
    }),
} as const
