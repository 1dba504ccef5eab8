// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Entry of the demo page.

import '@livekit/components-styles/components/participant';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { applyTheme, loadTheme } from './lib/theme';
import './styles.css';

applyTheme(loadTheme());
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
