/** The settings of what watches the bridge from outside. Part of config.ts. Pure. */
import * as z from 'zod'

const SECRET = { secret: true } as const

export const monitoringSettings = {
  METRICS_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{8,}$/, 'at least 8 printable characters without spaces')
    .optional()
    .meta({
      description: 'Token that opens `/metrics` and nothing else, for Prometheus; ADMIN_TOKEN opens it too',
      ...SECRET,
    }),
  HEARTBEAT_URL: z
    .url({ protocol: /^https?$/, error: 'an http(s) URL' })
    .optional()
    .meta({
      description:
        'Called once a minute while events are stored and delivered, so that a monitor (healthchecks.io and its like) hears when the bridge is gone',
      ...SECRET,
    }),
  NOTIFY_FORMAT: z.enum(['twilio', 'slack'], 'twilio or slack').default('twilio').meta({
    description:
      "Form of the posts to NOTIFY_URL: `twilio` = Twilio's Debugger webhook, signed; `slack` = an incoming webhook of Slack, Mattermost or Discord (`…/slack`)",
  }),
} as const
