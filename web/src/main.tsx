// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Entry of the page.

import '@livekit/components-styles/components/participant';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { registerServiceWorker } from './lib/install';
import { applyTheme, loadTheme } from '../shared/theme';
import './styles.css';

applyTheme(loadTheme());
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
void registerServiceWorker();
