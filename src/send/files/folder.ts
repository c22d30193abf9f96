/** A folder as a store. The core knows no file system: the host writes. */
import { toErrorText } from '../../alerts/redact.ts'
import type { DeliveryReason } from '../../reasons.ts'
import type { WriteFile } from '../../runtime.ts'
import { failed } from '../destination.ts'
import type { Store } from './store.ts'

export function createFolderStore(folder: string, writeFile: WriteFile): Store {
  return {
    tooSlow: 'folder_failing',
    async put({ path, bytes }) {
      try {
        await writeFile(folder, path, bytes)
        return { kind: 'stored', status: 0 }
      } catch (error) {
        return failed(toReason(error), undefined, toErrorText(error))
      }
    },
  }
}

function toReason(error: unknown): DeliveryReason {
  switch (error instanceof Error && 'code' in error && error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'folder_full'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'folder_forbidden'
    default:
      return 'folder_failing'
  }
}
