/** A SharedKey as TWILIO_SHARED_KEYS holds it. Part of config.ts. Pure. */
import * as z from 'zod'

/** The secret may hold more of the `=`. */
export const sharedKey = z
  .string()
  .regex(/^[^=]*[^=\s][^=]*=\s*\S/, 'id=secret, several comma-separated')
  .transform(text => {
    const equals = text.indexOf('=')
    return { id: text.slice(0, equals).trim(), secret: text.slice(equals + 1).trim() }
  })
