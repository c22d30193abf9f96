/** Copying, with a word that it worked. */
import { h } from './dom.js'
import { icon } from './parts.js'

const SHOWN_MS = 1_600

/**
 * @param {string} label
 * @param {() => string} toText
 * @param {string} [name] shown beside the icon; without it the button is the icon alone
 */
export function copyButton(label, toText, name) {
  const button = h(
    'button',
    {
      type: 'button',
      class: name ? 'button' : 'icon-button',
      'aria-label': label,
      title: label,
      on: { click: copy },
    },
    icon('copy'),
    name,
  )
  async function copy() {
    const done = await write(toText())
    button.replaceChildren(icon(done ? 'check' : 'cross'), ...(name ? [done ? 'Copied' : 'Not allowed'] : []))
    button.setAttribute('aria-label', done ? 'Copied' : 'Blocked by the browser')
    setTimeout(() => {
      button.replaceChildren(icon('copy'), ...(name ? [name] : []))
      button.setAttribute('aria-label', label)
    }, SHOWN_MS)
  }
  return button
}

/**
 * The clipboard API needs https or localhost; a bridge in a private network may have neither.
 * @param {string} text
 */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = h('textarea', { class: 'only-read', 'aria-hidden': 'true', tabindex: -1 })
    area.value = text
    document.body.append(area)
    const focused = document.activeElement
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    if (focused instanceof HTMLElement) focused.focus()
    return done
  }
}
