/** Why a file, or a part of it, could not be read: a sentence for a person. */
export class Unreadable extends Error {}

/** A part could not be read, and reading goes on behind it. */
export type OnFault = (why: string) => void
