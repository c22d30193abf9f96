/** The destinations of the settings, matched with those that the store knows. */
import type { Settings } from '../config.ts'
import type { OpenDestination } from './destination.ts'
import { createDestinations, type DestinationHost } from './destinations.ts'

/** Throws, with a sentence for a person, when the settings name none that can be opened. */
export async function openDestinations(
  settings: Settings,
  host: DestinationHost,
): Promise<readonly OpenDestination[]> {
  const destinations = await createDestinations(settings, host)
  return destinations.map((destination, index) => ({ id: index + 1, destination }))
}
