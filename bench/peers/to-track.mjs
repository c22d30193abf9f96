/** The same call that the bridge makes, without the address's hash and the judging of it. */
export function toTrack(event) {
  return {
    event: event.type,
    messageId: event.id,
    anonymousId: event.data.to,
    timestamp: event.time,
    properties: event.data,
    context: { externalIds: [{ id: event.data.to, type: 'phone', collection: 'users', encoding: 'none' }] },
  }
}
