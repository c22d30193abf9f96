/** Environment variables that were meant to be settings. Pure: a name and the known names in, a fault or none out. */

/** What Kubernetes sets for every service, one that is called segment-something included. */
const ofKubernetes = /_(SERVICE_(HOST|PORT)\w*|PORT(_\d+_(TCP|UDP)\w*)?)$/

/** The one of them that a text differs least from, if that is little. */
export function closest(text: string, known: readonly string[]): string | undefined {
  return known.find(one => one.length >= 8 && distance(text.toLowerCase(), one.toLowerCase()) <= 2)
}

/** Names this close to a setting, or in a namespace that is all ours, are mistakes and not somebody else's variables. */
export function findMisspelt(name: string, settingNames: readonly string[]): SettingFault[] {
  if (settingNames.includes(name) || ofKubernetes.test(name)) return []
  const plain = (text: string) => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
  const close = settingNames.find(known => known.length >= 8 && distance(plain(name), plain(known)) <= 2)
  const isOurs = /^SEGMENT_/i.test(name)
  if (!close && !isOurs) return []
  const hint = close
    ? `no such setting: did you mean ${close}?`
    : `no such setting: known are ${settingNames.join(', ')}`
  return [{ name, received: 'a value', expected: hint }]
}

/** Levenshtein distance, given up beyond 2. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 3
}

/** One wrong setting: its name, what came (never a secret), what is allowed. */
export type SettingFault = { readonly name: string; readonly received: string; readonly expected: string }
