/** What is said of a reason: its code, its level, what is wrong, and what to do. */
/** Levels of Twilio's Debugger. `NOTICE` tells of a recovery. */
export type Level = 'ERROR' | 'WARNING' | 'NOTICE'

export type Stop = {
  /** Twilio's 913xx where the meaning is the same; 9139xx is this bridge's own range. */
  readonly code: number
  readonly level: Level
  /** One sentence: what is wrong. */
  readonly title: string
  /** One sentence: what a person should do about it. */
  readonly remedy: string
}

export function stop(code: number, level: Level, title: string, remedy: string): Stop {
  return { code, level, title, remedy }
}
