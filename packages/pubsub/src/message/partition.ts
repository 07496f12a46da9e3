import { crc32 } from 'node:zlib'

/**
 * Which partition a key belongs to, the same in every process and language. The modulus is why a topic's number of partitions
 * is fixed when it is made: with another number a key's later messages could overtake its earlier ones.
 */
export const partitionOf = (key: string, partitions: number): number => crc32(key) % partitions
