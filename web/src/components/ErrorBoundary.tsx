// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Shows what broke instead of an empty page when a component throws.

import { Component, type ReactNode } from 'react';
import { ProblemBox } from './Problems';

interface Props {
  children: ReactNode;
}

interface State {
  failure: string | null;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { failure: null };

  static getDerivedStateFromError(error: unknown): State {
    return { failure: String(error) };
  }

  override render() {
    if (this.state.failure === null) return this.props.children;
    return (
      <main id="content" className="card">
        <ProblemBox problem={{ key: 'pageBroken', detail: this.state.failure }} />
      </main>
    );
  }
}
