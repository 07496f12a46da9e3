import { useMemo, useState } from 'react'
import { exampleRequest, shellWord } from '../example-request.ts'

/** A project without events: how to send the first one. */
export function EmptyProject({ project }: { project: string }) {
  const request = useMemo(
    () => exampleRequest(window.location.origin, Date.now(), crypto.getRandomValues(new Uint8Array(32))),
    []
  )
  return (
    <section className="card card-empty" aria-labelledby="empty-heading" data-testid="empty-project">
      <header className="card-head">
        <h2 id="empty-heading">
          No events in <q>{project}</q> yet
        </h2>
        <p className="note">This page fills by itself with the first one.</p>
      </header>
      <ol className="steps">
        <li>
          <p>Make a write key. It is shown once.</p>
          <Command text={`npx plimsoll keys create --project ${shellWord(project)}`} />
        </li>
        <li>
          <p>Send a session with it.</p>
          <Command text={request} />
        </li>
        <li>
          <p>Or import a web server’s access log: Common or Combined format, plain or gzip.</p>
          <Command text={`npx plimsoll import access.log --project ${shellWord(project)}`} />
        </li>
      </ol>
    </section>
  )
}

function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false)
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false)
    )
  return (
    <div className="command">
      <pre>
        <code>{text}</code>
      </pre>
      {/* Only secure origins have a clipboard; elsewhere the text can still be selected. */}
      {window.isSecureContext && (
        <button type="button" className="link" onClick={copy} aria-label="Copy this command">
          {copied ? 'copied' : 'copy'}
        </button>
      )}
    </div>
  )
}
