/** Who is speaking: stands in `context.app` of every track call. A test keeps it equal to package.json. */
export const name = 'twilio-segment-bridge'
export const version = '0.1.0'
