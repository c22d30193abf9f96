declare module '@segment/loosely-validate-event' {
  /** Throws when Segment's own libraries would not take the event. */
  export default function looselyValidateEvent(event: object, type?: string): void
}
