// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How values are written in a configuration, which keys there are, and their defaults.

import { assert } from '../lib/suite.mjs';
import { fails, printed, run } from './program.mjs';

const kDurations = ['rtc.pli_throttle.low_quality', 'video.dynacast_pause_delay', 'webhook.resource_url_notifier.max_age', 'rtc.datachannel_lossy_target_latency'];

export async function configuration_checks(suite) {
  await suite.check('durations need a unit, a bare 0 too [CFG-06]', async () => {
    const body = (key, value) => key.split('.').reverse().reduce((inner, part) => `{${part}: ${inner}}`, value);
    const check = (key, value) => ['config', 'check', '--dev', '--config-body', body(key, value)];
    for (const key of kDurations) {
      for (const value of ['0', '5', '1.5']) {
        await fails(check(key, value), new RegExp(`^error: could not parse config: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!(int|str) \`${value}\` into time\\.Duration`));
      }
      for (const value of ['0s', '500ms', '2s', '1m30s', '1.5h']) {
        const { code, err } = await run(check(key, value));
        assert.equal(code, 0, `${key} ${value}: ${err}`);
      }
      await fails(check(key, 'soon'), /cannot unmarshal !!str `soon` into time\.Duration/);
    }
  });

  await suite.check('the keys of the newest server are known, misspelt ones are not, and defaults are told [CFG-06] [CFG-05]', async () => {
    const check = (text) => ['config', 'check', '--dev', '--config-body', text];
    const known = `rtc: {enable_warp: false, additional_host_ips: [], require_ipv4: false}
room: {enable_full_room_in_webhooks: true}
turn: {per_user_relay_allocation_limit: 3}
limit: {signal_message_size_limit: 1000000, agent_signal_message_size_limit: 1000000, max_api_request_body_size: 1000000}
debug_handler: {port: 0}
`;
    assert.equal(await printed(check(known)), 'the configuration is valid\n');
    for (const [text, field] of [['debug_handler_port: 1', 'debug_handler_port'], ['rtc: {enable_wrap: true}', 'enable_wrap'],
      ['rtc: {congestion_control: {allow_pauses: true}}', 'allow_pauses'], ['rtc:\n  pli_throttle:\n    lowest: 1s', 'lowest']]) {
      await fails(check(text), new RegExp(`^error: could not parse config: yaml: unmarshal errors:\n  line ${text.split('\n').length}: field ${field} not found`));
    }
    const verbose = await printed(['help-verbose']);
    const defaults = {
      'rtc.congestion_control.allow_pause': 'false', 'audio.update_interval': '400', 'audio.active_level': '35', 'signal_relay.retry_timeout': '7.5s',
      'psrpc.timeout': '3s', 'limit.num_tracks': '0', 'limit.bytes_per_sec': '0', 'debug_handler.port': '0', port: '7880', 'rtc.tcp_port': '7881',
      'room.empty_timeout': '300', 'room.departure_timeout': '20', 'video.dynacast_pause_delay': '5s', 'rtc.pli_throttle.low_quality': '500ms',
      'rtc.packet_buffer_size_video': '500', 'rtc.packet_buffer_size_audio': '200', 'turn.ttl_seconds': '300',
    };
    for (const [key, value] of Object.entries(defaults)) {
      const [, told] = verbose.match(new RegExp(`^ +--${key.replaceAll('.', '\\.')} .*\\(default ([^)]*)\\)`, 'm')) ?? [];
      assert.equal(told, value, key);
    }
  });
}
