/** Where an event stands: its request, and its position in it; and how often it was tried. */
export type Place = { readonly request: number; readonly position: number }

/** Requests that held an event, and when the last of them began (ms since 1970). */
export type Tries = { readonly attempts: number; readonly triedAt: number }
