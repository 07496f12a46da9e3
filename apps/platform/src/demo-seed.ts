/** Seed of the directory that knows the demo's users. Another seed gives every one of them another plan and place. */
export const demoSeed = 1
