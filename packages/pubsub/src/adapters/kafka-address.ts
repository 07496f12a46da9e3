/** In a file of their own: the adapter’s door has these types, and none of its client's. */

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Sasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
}
