export { chromiumOptions, launchChromium, noChromium } from './chromium.ts'
export { eventually } from './eventually.ts'
