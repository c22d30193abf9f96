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
} as const
