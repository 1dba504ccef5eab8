// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Text chat of the room.

import type { useChat } from '@livekit/components-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { ConferenceHandle } from '../hooks/useConference';
import { strings } from '../strings';

interface Props {
  chat: ReturnType<typeof useChat>;
  report: ConferenceHandle['report'];
}

type Message = Props['chat']['chatMessages'][number];

const clock = (ms: number) => new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

function Messages({ messages }: { messages: Message[] }) {
  const end = useRef<HTMLLIElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView({ block: 'nearest' });
  }, [messages.length]);
  return (
    <div className="chat" role="log" aria-label={strings.chat.heading} tabIndex={0} data-testid="chat-log">
      {messages.length === 0 && <p className="muted">{strings.chat.empty}</p>}
      <ol>
        {messages.map((message) => (
          <li key={message.id} ref={end} data-testid="chat-message" data-participant={message.from?.identity}>
            <span className="muted">
              {message.from?.name || message.from?.identity || strings.chat.someone} · {clock(message.timestamp)}
            </span>
            <p>{message.message}</p>
          </li>
        ))}
      </ol>
    </div>
  );
}

export function ChatPanel({ chat, report }: Props) {
  const [text, setText] = useState('');
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const message = text.trim();
    if (!message) return;
    try {
      await chat.send(message);
      setText('');
    } catch (error) {
      report({ key: 'chatFailed', detail: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <>
      <Messages messages={chat.chatMessages} />
      <form className="chat__form" onSubmit={(event) => void submit(event)}>
        <input
          aria-label={strings.chat.label} placeholder={strings.chat.label} autoComplete="off" maxLength={4000}
          value={text} onChange={(event) => setText(event.target.value)} data-testid="chat-input"
        />
        <button type="submit" className="primary" disabled={chat.isSending} data-testid="chat-send">{strings.chat.send}</button>
      </form>
    </>
  );
}
