import { type DataDirectory, SettingError, type Settings } from '@plimsoll/platform/local'
import { type Channel, email, type IncidentOptions, webhook } from '@plimsoll/service-watcher'

/**
 * How the watcher follows incidents in this data folder, and whom it tells. Incidents are followed and kept also where
 * nobody is told.
 * @throws SettingError
 */
export function incidentsIn(data: DataDirectory, settings: Settings): IncidentOptions {
  return {
    file: data.file('incidents.json'),
    channels: channelsOf(data, settings),
    page: settings.watcherUrl,
    patience: { openAfterMs: settings.alertsAfterMs, closeAfterMs: settings.alertsCloseAfterMs },
    onError: error => process.stderr.write(`plimsoll: ${(error as Error).message}; it will be tried again\n`)
  }
}

function channelsOf(data: DataDirectory, settings: Settings): Channel[] {
  const { alertsWebhookUrl, alertsWebhookSecret, alertsSmtpUrl, alertsFrom, alertsTo } = settings
  if (alertsSmtpUrl && !(alertsFrom.includes('@') && alertsTo.includes('@')))
    throw new SettingError('alertsSmtpUrl is set, so alertsFrom and alertsTo must be addresses too')
  return [
    ...(alertsWebhookUrl
      ? [webhook({ url: alertsWebhookUrl, secret: alertsWebhookSecret || data.webhookSecret })]
      : []),
    ...(alertsSmtpUrl ? [email({ url: alertsSmtpUrl, from: alertsFrom, to: alertsTo })] : [])
  ]
}
