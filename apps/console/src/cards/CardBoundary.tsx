import { Component, type ReactNode } from 'react'

interface Props {
  /** A new one is a new chance. */
  attempt: unknown
  children: ReactNode
}

/** An answer that a card cannot draw costs that card, not the page. */
export class CardBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true }
  }

  override componentDidUpdate(before: Props): void {
    if (this.state.failed && before.attempt !== this.props.attempt) this.setState({ failed: false })
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children
    return (
      <p className="quiet">
        This card could not read the platform’s answer. The console and the platform may be of different versions.
      </p>
    )
  }
}
