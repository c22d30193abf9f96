/** How a command ends. */

/** 0 done, 1 failed, 2 wrong settings or wrong use, 3 done, but some of it was bad. */
export type ExitCode = 0 | 1 | 2 | 3

/** Ends a command with a sentence for a person, and no stack. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(sentence: string, exitCode: ExitCode = 1) {
    super(sentence)
    this.exitCode = exitCode
  }
}
