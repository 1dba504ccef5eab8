// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Shows what broke instead of an empty page when a component throws. `page` is where it happened: on
// another page all is well again.

import { Component, type ReactNode } from 'react';
import { strings } from '../strings';

interface Props {
  page: string;
  children: ReactNode;
}

interface State {
  failure: string | null;
  page: string;
}

export class ErrorBoundary extends Component<Props, State> {
  override state: State = { failure: null, page: this.props.page };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { failure: String(error) };
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.page === state.page ? null : { failure: null, page: props.page };
  }

  override render() {
    if (this.state.failure === null) return this.props.children;
    return (
      <div className="problem" role="alert">
        <strong>{strings.broken.title}.</strong> {strings.broken.remedy} <code>{this.state.failure}</code>
      </div>
    );
  }
}
