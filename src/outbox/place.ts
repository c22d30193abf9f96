/** Where an event stands: its request, and its position in it. Pure. */
export type Place = { readonly request: number; readonly position: number }

/** As people and URLs name it. */
export const toKey = ({ request, position }: Place): string => `${request}-${position}`

export function toPlace(key: string): Place | undefined {
  const match = /^(\d{1,15})-(\d{1,9})$/.exec(key)
  return match ? { request: Number(match[1]), position: Number(match[2]) } : undefined
}
